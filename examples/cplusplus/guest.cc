/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the cplusplus example: exceptions become errors of the call, and a program that
 * wants threads is told that there are none.
 */
#include <mote/guest.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace
{

enum Error : uint64_t { error_exception = 1, error_system = 2 };

/* Text that outlives the function, unlike a std::string. */
const char *keep(const std::string &text)
{
	auto *copy = static_cast<char *>(mote_alloc(text.size() + 1));

	return static_cast<const char *>(std::memcpy(copy, text.c_str(), text.size() + 1));
}

/*
 * Runs BODY and turns what it throws into an error of the call. The call ends outside of the try
 * block: mote_guest_fail() runs no destructors, so they must all have run by then.
 */
template <typename Body> auto guarded(Body body)
{
	const char *why;
	uint64_t code = error_exception;

	try {
		return body();
	} catch (const std::system_error &e) {
		code = error_system;
		why = keep(std::string("not in a sandbox: ") + e.what());
	} catch (const std::exception &e) {
		why = keep(e.what());
	} catch (...) {
		why = "something that is no std::exception";
	}
	mote_guest_fail(code, why);
}

std::vector<double> parse(const std::string &text)
{
	std::istringstream in(text);
	std::vector<double> numbers;

	for (std::string word; in >> word;) {
		size_t used = 0;
		try {
			numbers.push_back(std::stod(word, &used));
		} catch (const std::invalid_argument &) {
		}
		if (used != word.size())
			throw std::invalid_argument("\"" + word + "\" is no number");
	}
	return numbers;
}

} // namespace

MOTE_EXPORT(f64, Median, str, text)
{
	return guarded([text] {
		auto numbers = parse(text);
		if (numbers.empty())
			throw std::domain_error("there are no numbers");
		auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
		std::nth_element(numbers.begin(), middle, numbers.end());
		return *middle;
	});
}

/* The same in a thread of its own, as a program would that was not written for a sandbox. */
MOTE_EXPORT(f64, MedianInThread, str, text)
{
	return guarded([text] {
		double median = 0;
		std::thread worker([&] { median = Median(text); });
		worker.join();
		return median;
	});
}

/* No exception may leave a function: the program is over then, and the sandbox is poisoned. */
MOTE_EXPORT(f64, MedianUnguarded, str, text)
{
	return parse(text).at(0);
}

int main()
{
	return 0;
}

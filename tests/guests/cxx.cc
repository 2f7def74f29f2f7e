/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest in C++: exceptions, containers, static constructors, streams.
 */
#include <mote/guest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

/* What C++ makes must move to memory that outlives the function. */
const char *keep(const std::string &text)
{
	return std::strcpy(static_cast<char *>(mote_alloc(text.size() + 1)), text.c_str());
}

/* Set up before main(), in order. */
std::vector<std::string> started = { "static" };

struct Recorder {
	explicit Recorder(const char *name)
	{
		started.push_back(name);
	}
};

Recorder first("first");
Recorder second("second");
thread_local Recorder per_thread("thread");

struct Counter {
	explicit Counter(int &count) : count(count)
	{
		count++;
	}
	~Counter()
	{
		count--;
	}
	Counter(const Counter &) = delete;
	Counter &operator=(const Counter &) = delete;

	int &count;
};

int alive;

/* Throws from DEPTH frames down, each with something to destroy. */
void descend(int depth, const std::string &text)
{
	Counter counter(alive);

	if (depth == 0)
		throw std::runtime_error(text);
	descend(depth - 1, text);
	alive += 1000; /* never */
}

struct Shape {
	virtual ~Shape() = default;
	virtual int corners() const = 0;
};

struct Square : Shape {
	int corners() const override
	{
		return 4;
	}
};

struct Triangle : Shape {
	int corners() const override
	{
		return 3;
	}
};

} // namespace

MOTE_IMPORT(i32, HostTwice, i32)

MOTE_EXPORT(str, Started)
{
	std::string all;

	(void)&per_thread;
	for (const auto &name : started)
		all += name + " ";
	return keep(all);
}

MOTE_EXPORT(str, Catch, i32, depth, str, text)
{
	try {
		descend(depth, text);
	} catch (const std::exception &e) {
		return keep(std::string(e.what()) + " " + std::to_string(alive));
	}
	return "not thrown";
}

/* By type, through a rethrow. */
MOTE_EXPORT(str, CatchType, i32, which)
{
	try {
		try {
			if (which == 0)
				throw 42;
			if (which == 1)
				throw std::out_of_range("range");
			std::vector<int>().at(1);
		} catch (...) {
			throw;
		}
	} catch (int number) {
		return keep("int " + std::to_string(number));
	} catch (const std::out_of_range &) {
		return "out_of_range";
	} catch (const std::exception &) {
		return "exception";
	}
	return "not thrown";
}

/* Nobody catches it: std::terminate() calls abort(). */
MOTE_EXPORT(void, Uncaught)
{
	throw std::runtime_error("nobody catches this");
}

MOTE_EXPORT(bool, BadAlloc)
{
	try {
		/* volatile: compilers leave out allocations that nobody looks at */
		char *volatile much = new char[static_cast<size_t>(1) << 45];
		delete[] much;
		return false;
	} catch (const std::bad_alloc &) {
		return true;
	}
}

MOTE_EXPORT(str, SortWords, str, text)
{
	std::istringstream in(text);
	std::vector<std::string> words;
	std::ostringstream out;

	for (std::string word; in >> word;)
		words.push_back(word);
	std::sort(words.begin(), words.end());
	for (const auto &word : words)
		out << word << ' ';
	return keep(out.str());
}

MOTE_EXPORT(str, CountLetters, str, text)
{
	std::map<char, int> counts;
	std::ostringstream out;

	for (char letter : std::string(text))
		counts[letter]++;
	for (const auto &[letter, count] : counts)
		out << letter << count;
	return keep(out.str());
}

MOTE_EXPORT(i32, Virtual, bool, is_square)
{
	std::unique_ptr<Shape> shape;

	if (is_square)
		shape = std::make_unique<Square>();
	else
		shape = std::make_unique<Triangle>();
	return shape->corners() * (dynamic_cast<Square *>(shape.get()) ? 10 : 1);
}

MOTE_EXPORT(void, Print, str, text)
{
	std::cout << text << " " << 1.5 << std::endl;
	std::cerr << "to cerr" << std::endl;
}

MOTE_EXPORT(i32, Import, i32, value)
{
	std::function<int32_t(int32_t)> twice = HostTwice;

	return twice(value) + twice(1);
}

MOTE_EXPORT(bytes, Reverse, bytes, data)
{
	auto *bytes = static_cast<const char *>(data.ptr);
	auto *reversed = static_cast<char *>(mote_alloc(data.len));

	std::reverse_copy(bytes, bytes + data.len, reversed);
	return { reversed, data.len };
}

MOTE_EXPORT(f64, Ten, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g, str, h, bytes, i,
	    i32, j)
{
	return a + b + static_cast<double>(c) + static_cast<double>(d) + static_cast<double>(e) +
	       f + (g ? 1 : 0) + static_cast<double>(std::strlen(h)) + static_cast<double>(i.len) +
	       j;
}

MOTE_EXPORT(void, Fail)
{
	mote_guest_fail(9, "from C++");
}

int main()
{
	started.push_back("main");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that never heard of mote: what the C++ library does, and what it says when there are no
 * threads and no files.
 */
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

struct Noisy {
	~Noisy() { std::cout << "destroyed "; }
};

static void throw_from(int depth)
{
	Noisy noisy;

	if (depth == 0)
		throw std::runtime_error("thrown");
	throw_from(depth - 1);
}

static void exceptions()
{
	try {
		throw_from(2);
	} catch (const std::exception &e) {
		std::cout << e.what() << "\n";
	}
	try {
		std::vector<int>().at(3);
	} catch (const std::out_of_range &) {
		std::cout << "out of range\n";
	}
	try {
		std::string().reserve(std::size_t(1) << 46);
	} catch (const std::bad_alloc &) {
		std::cout << "no memory\n";
	}
}

static void clocks()
{
	using namespace std::chrono;
	const auto begin = steady_clock::now();

	std::this_thread::sleep_for(milliseconds(20));
	std::cout << (steady_clock::now() - begin >= milliseconds(20)) << " "
		  << (system_clock::now().time_since_epoch() > hours(24 * 365 * 50)) << "\n";
}

static void what_is_not_there()
{
	std::error_code ec;

	std::cout << std::filesystem::exists("/etc", ec) << " "
		  << std::ifstream("/etc/passwd").is_open() << "\n";
	try {
		std::thread([] {}).join();
	} catch (const std::system_error &) {
		std::cout << "no threads\n";
	}
}

thread_local int local = 7;

int main()
{
	std::map<std::string, int> map{ { "b", 2 }, { "a", 1 } };
	std::once_flag flag;
	std::smatch match;
	const std::string text = "tel 12-34";
	std::string line;

	exceptions();
	clocks();
	what_is_not_there();
	for (const auto &entry : map)
		std::cout << entry.first << std::setw(4) << std::hex << entry.second * 100 << " ";
	std::call_once(flag, [] { std::cout << "once "; });
	auto lazy = std::async(std::launch::deferred, [] { return 5; });
	std::cout << lazy.get() << local << "\n";
	std::regex_search(text, match, std::regex("(\\d+)-(\\d+)"));
	std::cout << match[2] << " " << std::dec << std::mt19937(1)() << "\n";
	std::random_device()();
	while (std::getline(std::cin, line))
		std::cout << "[" << line << "]";
	std::cout << std::endl;
	return 4;
}

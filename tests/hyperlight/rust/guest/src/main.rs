// SPDX-License-Identifier: Apache-2.0
//
// A guest made with hyperlight-guest-bin, for tests/hyperlight/test_rust_guest.c: of the functions that
// tests/hyperlight/guests/simple.c has, those that the test calls, under the same names.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, Ordering};

use hyperlight_common::flatbuffer_wrappers::guest_error::ErrorCode;
use hyperlight_guest::bail;
use hyperlight_guest::error::Result;
use hyperlight_guest_bin::{guest_function, host_function};

static COUNTER: AtomicI32 = AtomicI32::new(0);

#[host_function("HostAdd")]
fn host_add(a: i32, b: i32) -> Result<i32>;

#[host_function("HostMethod1")]
fn host_method1(text: String) -> Result<i32>;

#[host_function("ErrorMethod")]
fn error_method(text: String) -> Result<i32>;

#[guest_function("Echo")]
fn echo(text: String) -> Result<String> {
    Ok(text)
}

#[guest_function("EchoDouble")]
fn echo_double(number: f64) -> Result<f64> {
    Ok(number)
}

#[guest_function("SetByteArrayToZero")]
fn set_byte_array_to_zero(data: Vec<u8>) -> Result<Vec<u8>> {
    Ok(vec![0; data.len()])
}

#[guest_function("Add")]
fn add(a: i32, b: i32) -> Result<i32> {
    host_add(a, b)
}

#[guest_function("GuestMethod1")]
fn guest_method1(text: String) -> Result<i32> {
    host_method1(format!("Hello from GuestFunction1, {text}"))
}

#[guest_function("CallErrorMethod")]
fn call_error_method(text: String) -> Result<i32> {
    error_method(format!("Error From Host: {text}"))
}

#[guest_function("AddToStatic")]
fn add_to_static(number: i32) -> Result<i32> {
    Ok(COUNTER.fetch_add(number, Ordering::Relaxed) + number)
}

#[guest_function("GetStatic")]
fn get_static() -> Result<i32> {
    Ok(COUNTER.load(Ordering::Relaxed))
}

#[guest_function("AddToStaticAndFail")]
fn add_to_static_and_fail() -> Result<i32> {
    COUNTER.fetch_add(10, Ordering::Relaxed);
    bail!(ErrorCode::GuestError => "Crash on purpose");
}

#[guest_function("guest_panic")]
fn guest_panic(text: String) -> Result<i32> {
    panic!("{text}");
}

#[guest_function("TriggerException")]
fn trigger_exception() -> Result<i32> {
    // SAFETY: the instruction raises an exception, which ends the guest.
    unsafe { core::arch::asm!("ud2", options(noreturn)) }
}

// Deeper than any scratch region. Compilers must not know the results, or they make a loop of it.
fn descend(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 256]);

    if depth == 0 {
        return 0;
    }
    core::hint::black_box(descend(depth - 1)) + frame[(depth % 256) as usize]
}

#[guest_function("InfiniteRecursion")]
fn infinite_recursion() -> Result<i32> {
    Ok(descend(u64::MAX) as i32)
}

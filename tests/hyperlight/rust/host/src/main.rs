// SPDX-License-Identifier: Apache-2.0
//
// rust-host GUEST: calls a guest of tests/hyperlight/guests/simple.c by way of hyperlight-host, and says by a
// line each what is as it should be. Exits with 1 if anything is not.

use std::process::ExitCode;

use hyperlight_host::{
    GuestBinary, HyperlightError, MultiUseSandbox, Result, UninitializedSandbox,
};

fn open(path: &str) -> Result<MultiUseSandbox> {
    let mut sandbox = UninitializedSandbox::new(GuestBinary::FilePath(path.to_string()), None)?;

    // that of the crate prints colours, also in front of the next line
    sandbox.register_print(|text: String| Ok(text.len() as i32))?;
    sandbox.register("HostAdd", |a: i32, b: i32| Ok(a + b))?;
    sandbox.register("HostMethod1", |text: String| Ok(text.len() as i32))?;
    sandbox.evolve()
}

fn values(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    let text: String = sandbox.call("Echo", "hello".to_string())?;
    let zeroes: Vec<u8> = sandbox.call("SetByteArrayToZero", vec![1u8; 10])?;
    let length: i32 = sandbox.call("BufferOverrun", "1234567".to_string())?;

    Ok(text == "hello" && zeroes == vec![0u8; 10] && length == 10)
}

fn host_functions(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    let sum: i32 = sandbox.call("Add", (5_i32, 10_i32))?;
    let _: i32 = sandbox.call("GuestMethod1", "Hello world".to_string())?;
    let printed: i32 = sandbox.call("PrintOutput", "a line from the guest\n".to_string())?;

    Ok(sum == 15 && printed == 22)
}

// An error of a call leaves the guest as it is.
fn errors(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    let before: i32 = sandbox.call("GetStatic", ())?;
    let failed: Result<i32> = sandbox.call("AddToStaticAndFail", ());
    let unknown: Result<i32> = sandbox.call("FunctionDoesntExist", ());
    let wrong: Result<String> = sandbox.call("Echo", 2_i32);
    let after: i32 = sandbox.call("GetStatic", ())?;
    let is_purpose =
        matches!(failed, Err(HyperlightError::GuestError(_, text)) if text == "Crash on purpose");

    Ok(is_purpose
        && matches!(unknown, Err(HyperlightError::GuestError(..)))
        && matches!(wrong, Err(HyperlightError::GuestError(..)))
        && after == before + 10
        && !sandbox.poisoned())
}

fn snapshots(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    let first = sandbox.snapshot()?;
    let before: i32 = sandbox.call("GetStatic", ())?;
    let changed: i32 = sandbox.call("AddToStatic", 5_i32)?;
    let second = sandbox.snapshot()?;

    sandbox.restore(first)?;
    let at_first: i32 = sandbox.call("GetStatic", ())?;
    sandbox.restore(second)?;
    let at_second: i32 = sandbox.call("GetStatic", ())?;

    Ok(changed == before + 5 && at_first == before && at_second == changed)
}

// Calls FUNCTION, which ends the guest with CODE and a text with TEXT in it; then a restore heals it.
fn ends(sandbox: &mut MultiUseSandbox, function: &str, code: u8, text: &str) -> Result<bool> {
    let snapshot = sandbox.snapshot()?;
    let result: Result<()> = sandbox.call(function, ());
    let is_right = matches!(&result, Err(HyperlightError::GuestAborted(got, message))
        if *got == code && message.contains(text));
    let was_poisoned = sandbox.poisoned();

    if !is_right {
        println!("# {function}: {result:?}");
    }
    sandbox.restore(snapshot)?;
    let echo: String = sandbox.call("Echo", "again".to_string())?;
    Ok(is_right && was_poisoned && echo == "again")
}

fn exceptions(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    ends(sandbox, "TriggerException", 15, "Exception vector: 6")
}

fn stack(sandbox: &mut MultiUseSandbox) -> Result<bool> {
    ends(sandbox, "InfiniteRecursion", 13, "")
}

fn main() -> ExitCode {
    let checks: [(&str, fn(&mut MultiUseSandbox) -> Result<bool>); 6] = [
        ("values go in and come out", values),
        ("host functions are called", host_functions),
        ("errors have codes and leave the guest usable", errors),
        ("snapshots are taken and restored", snapshots),
        (
            "an exception ends the guest, and a restore heals it",
            exceptions,
        ),
        (
            "a stack without end ends the guest, and a restore heals it",
            stack,
        ),
    ];
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: rust-host GUEST");
        return ExitCode::from(2);
    };
    let mut failed = false;

    for (number, (name, check)) in checks.iter().enumerate() {
        // each in a sandbox of its own, so that one failure is one failure
        let result = open(&path).and_then(|mut sandbox| check(&mut sandbox));
        let is_good = matches!(result, Ok(true));

        println!(
            "{} {} - {}",
            if is_good { "ok" } else { "not ok" },
            number + 1,
            name
        );
        if let Err(error) = result {
            println!("# {error}");
        }
        failed |= !is_good;
    }
    println!("1..{}", checks.len());
    ExitCode::from(failed as u8)
}

//! What a process has used so far, as Linux tells it under `/proc`.

use std::path::Path;

/// Linux counts a process' CPU in hundredths of a second, whatever its clock.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU seconds of all its threads, in user and system mode, in steps of 10 ms.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn cpu(process: u32) -> f64 {
    let stat = read(process, "stat");
    // The name before may hold anything, spaces and parentheses included.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|field| number(field) as f64).sum::<f64>() / TICKS_A_SECOND
}

/// Resident memory now, in KiB.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn resident(process: u32) -> u64 {
    field(process, "status", "VmRSS:")
}

/// The most resident memory that it ever had, in KiB.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn peak(process: u32) -> u64 {
    field(process, "status", "VmHWM:")
}

/// Bytes that it had the kernel write to disks: pages of files that it made dirty.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn written(process: u32) -> u64 {
    field(process, "io", "write_bytes:")
}

/// The size of a file, 0 where there is none.
#[must_use]
pub fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

fn field(process: u32, file: &str, name: &str) -> u64 {
    let text = read(process, file);
    let mut words = text.split_whitespace();
    words.find(|word| *word == name).expect("the field");
    number(words.next().expect("a value"))
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn read(process: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/{file}")).expect("Linux, and a process")
}

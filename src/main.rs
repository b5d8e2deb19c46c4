//! The command line; everything it does is in the library.

fn main() -> std::process::ExitCode {
    give_large_blocks_back();
    yardwatch::cli::main()
}

/// Has the C library return every freed block of 256 KiB and more to the system at once. Left alone it raises that size to that of the
/// largest block freed so far, up to 32 MiB, and keeps what lies below in heaps that maps of changing sizes tear into pieces: peaks were
/// 20 to 75 MiB higher, and differed from run to run.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_large_blocks_back() {
    const M_MMAP_THRESHOLD: i32 = -3;
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // SAFETY: the C library's own function by its documented signature, called before any other thread is started.
    unsafe { mallopt(M_MMAP_THRESHOLD, 256 << 10) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_large_blocks_back() {}

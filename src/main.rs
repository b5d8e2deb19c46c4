//! The command line; everything it does is in the library.

fn main() -> std::process::ExitCode {
    give_large_blocks_back();
    yardwatch::cli::main()
}

/// Has the C library return every freed block of 6 MiB and more to the system at once: the maps of the networks. Left alone it raises
/// that size to that of the largest block freed so far, up to 32 MiB, and keeps what lies below in heaps that such maps tear into pieces:
/// peaks were up to 60 MiB higher, and differed from run to run. A lower bound costs more time than it gives back memory. Of smaller blocks, strips of
/// tracks and their maps, each thread's heap may keep 16 MiB: to ask for them anew took an eighth of the time of a count.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_large_blocks_back() {
    const M_TRIM_THRESHOLD: i32 = -1;
    const M_MMAP_THRESHOLD: i32 = -3;
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // SAFETY: the C library's own function by its documented signature, called before any other thread is started.
    unsafe {
        mallopt(M_MMAP_THRESHOLD, 6 << 20);
        mallopt(M_TRIM_THRESHOLD, 16 << 20);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_large_blocks_back() {}

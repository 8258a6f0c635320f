//! Uses what the others make.

use bzip2_sys as _;
use smallvec::SmallVec;

fn main() {
    let offers: SmallVec<[u64; 4]> = (1..4).map(market_core::price).collect();
    let chosen = offers[fastrand::usize(..offers.len())];
    println!("{} {}", figures::Buffer::new().format(chosen), table_sys::entry(1));
}

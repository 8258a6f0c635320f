//! Of a test, too, there is an executable.

#[test]
fn twice_as_much_costs_twice_as_much() {
    assert_eq!(2 * market_core::price(2), market_core::price(4));
}

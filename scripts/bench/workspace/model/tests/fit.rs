use proptest::prelude::*;

proptest! {
    #[test]
    fn a_line_is_found_again(slope in -100..100_i32, offset in -100..100_i32) {
        let text: String = (0..10).map(|at| format!("{at} {}\n", slope * at + offset)).collect();
        let (found, _) = model::fit(&model::parse(&text)).unwrap();
        prop_assert!((found - f64::from(slope)).abs() < 1e-6);
    }
}

//! A block.

states::states!(weight = 3, above = [balance]);

//! A bond.

states::states!(weight = 4, above = [block]);

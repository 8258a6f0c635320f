//! A chain.

states::states!(weight = 5, above = [bond]);

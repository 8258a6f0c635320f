//! An invoice.

states::states!(weight = 12, above = [contract, fee]);

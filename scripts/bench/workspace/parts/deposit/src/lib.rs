//! A deposit.

states::states!(weight = 8, above = [block, contract]);

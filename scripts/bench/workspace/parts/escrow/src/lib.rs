//! An escrow.

states::states!(weight = 10, above = [chain, digest_list]);

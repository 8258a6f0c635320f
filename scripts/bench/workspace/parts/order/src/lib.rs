//! An order.

states::states!(weight = 15, above = [escrow, market]);

"""What the studio costs, measured side by side with what it is compared to; nothing here is asserted on a clock."""

"""Target responsibility assessment of the county's assessment office (目标责任考核): rows in an exchange table."""

"""What was measured and never scraped goes to the time-series stores afterwards, with its own time, by remote write."""

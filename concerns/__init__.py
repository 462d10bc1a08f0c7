"""What can be configured: one frozen model per concern. Plain data; `settings` reads them."""

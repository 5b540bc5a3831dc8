"""What the hops run on: servers, loads, seeds, and processes of the product."""

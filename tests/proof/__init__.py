"""Bulk proofs: crashes, faults and contention by the thousand; `make proof` runs them."""

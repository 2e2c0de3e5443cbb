"""Settings of all tests."""

import torch

# Threads that wait for each other at every operation are many times slower on a busy machine than one alone.
torch.set_num_threads(1)

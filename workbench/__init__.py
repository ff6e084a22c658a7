"""A research workbench for differentiable programming: gradients of ordinary Python programs."""

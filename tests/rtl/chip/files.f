# What scripts/synthesis-check --chip must find, and a module in which it must find nothing.
chip.sv

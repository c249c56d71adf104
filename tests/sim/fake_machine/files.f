# A machine for the tests of the platform, built the way the real one is.
fake_accelerator.sv

// libsystemc's own main wants an sc_main; a program with a main of its own never calls it.
extern "C" int sc_main(int, char**) { return 0; }

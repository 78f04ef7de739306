// The benchmark's page; here, so that its bundle finds the worker beside it.

import "./ui/bench.js";

// Imported first in a component: see src/frozen.js.

import { freeze } from "./src/frozen.js";

freeze();

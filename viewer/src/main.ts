import "./style/viewer.css";

import { configOf } from "./config";
import { startViewer } from "./viewer";

const root = document.getElementById("viewer");
if (root !== null) void startViewer(root, configOf(root));

import { serve } from "weft";
import { weather } from "./weather.mjs";

await serve(process.argv[2] ?? "127.0.0.1:7400", weather, { stopOn: ["SIGTERM", "SIGINT"] });

// Says of each file named what sharp, or the validator of glTF's makers, knows of it: one JSON a line.
const fs = require("node:fs");
const path = require("node:path");

async function said(file) {
  if (file.endsWith(".glb")) {
    const { issues, info } = await require("gltf-validator").validateBytes(new Uint8Array(fs.readFileSync(file)));
    return { errors: issues.numErrors, warnings: issues.numWarnings, kind: info?.generator };
  }
  const { format, width, height, orientation, pages, delay, depth, density, hasProfile } =
    await require("sharp")(file).metadata();
  return { format, width, height, orientation, pages, delay, depth, density, hasProfile };
}

(async () => {
  for (const file of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const answer = await said(file).catch((error) => ({ error: String(error.message) }));
    console.log(JSON.stringify({ file: path.basename(file), ...answer }));
  }
})();

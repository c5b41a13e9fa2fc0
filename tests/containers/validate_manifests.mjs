// Checks each manifest of a folder against Kubernetes' own schema, as the npm package kubernetes-models has it:
//
//   node validate_manifests.mjs FOLDER
//
// Both packages are looked for from the current folder. What has no kind is a profile of kubectl debug, which
// is a part of a container.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const packages = join(process.cwd(), "node_modules");
const YAML = createRequire(join(packages, "package.json"))("yaml");

const inPod = (profile) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "profile" },
    spec: { containers: [{ name: "debugger", ...profile }] },
});

const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
    for (const document of YAML.parseAllDocuments(readFileSync(join(folder, name), "utf8"))) {
        const read = document.toJS();
        const object = read.kind ? read : inPod(read);
        const kinds = await import(
            pathToFileURL(join(packages, "kubernetes-models", object.apiVersion, "index.js"))
        );
        new kinds[object.kind](object).validate();
        console.log(`${name}: ${object.kind} is valid`);
    }
}

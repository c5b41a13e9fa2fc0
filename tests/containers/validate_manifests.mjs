// Checks each manifest of a folder against Kubernetes' own schema, as the npm package kubernetes-models has it:
//
//   node validate_manifests.mjs FOLDER
//
// Both packages are looked for from the current folder. What has no kind is a profile of kubectl debug, which
// is a part of a container. A field that the schema does not know, which it would pass over, is an error as for
// kubectl's --validate=strict: one that the check never looked at.
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

// Of an object, one that notes which of its fields, and of all within, are looked at; and those that were not.
const watch = (object, path, unread) => {
    for (const key of Object.keys(object)) {
        unread.add(`${path}.${key}`);
    }
    return new Proxy(object, {
        get(target, key) {
            const within = `${path}.${String(key)}`;
            const value = target[key];
            if (!unread.delete(within) || value === null || typeof value !== "object") {
                return value;
            }
            target[key] = watch(value, within, unread);
            return target[key];
        },
    });
};

const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
    for (const document of YAML.parseAllDocuments(readFileSync(join(folder, name), "utf8"))) {
        const read = document.toJS();
        const object = read.kind ? read : inPod(read);
        const kinds = await import(
            pathToFileURL(join(packages, "kubernetes-models", object.apiVersion, "index.js"))
        );
        const unread = new Set();
        watch(new kinds[object.kind](object), object.kind, unread).validate();
        if (unread.size > 0) {
            throw new Error(`${name}: unknown fields: ${[...unread].join(", ")}`);
        }
        console.log(`${name}: ${object.kind} is valid`);
    }
}

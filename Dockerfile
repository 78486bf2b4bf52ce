# The same scripts as `make release`; the image holds one file, runs as nobody, and needs a password to listen beyond loopback.
FROM node:22-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
# Tools first: they change less often than the sources.
COPY Cargo.toml package.json package-lock.json .npmrc ./
COPY scripts scripts
RUN scripts/setup.sh wasm split node
COPY . .
RUN scripts/build.sh release

FROM debian:bookworm-slim
COPY --from=build /src/target/release/flux-console /usr/local/bin/flux-console
USER 65534:65534
ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000
ENTRYPOINT ["flux-console"]
CMD ["start"]

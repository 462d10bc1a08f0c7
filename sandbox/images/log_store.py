"""The image of the log store: OpenSearch, which answers Elasticsearch's API, and the Java and Python that it needs."""

from __future__ import annotations

from sandbox.images.recipe import DOCUMENTATION, NOBODY_ID, Archive, Artifact, Recipe

VERSION = "2.19.3"
HOME = f"/opt/opensearch-{VERSION}"
ZIP = "/opt/opensearch.zip"
# The distribution that its own tests run: the server and nothing else.
DISTRIBUTION = Artifact(
    coordinates=f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip",
    sha256="760530e522de0a9f06380d4a4a43dfd83c31fa8911f41745513ce715ed5dfd03",
)
ARCHIVE = Archive(
    name="log-store",
    variant="extract",
    packages=(
        "base-files",
        "coreutils",
        "dash",
        "grep",
        "libc-bin",
        "openjdk-17-jre-headless",
        "python3",
        "sed",
    ),
    exclude=(*DOCUMENTATION, "/usr/bin/perl*", "/usr/lib/*/perl*", "/usr/share/perl*", "/usr/lib/locale/*"),
    include=("/usr/share/doc/*/copyright", "/usr/lib/locale/C.utf8/*"),
)


def log_store() -> Recipe:
    """Return the image; it runs as any user."""
    return Recipe(
        archive=ARCHIVE,
        artifacts={ZIP: DISTRIBUTION},
        lines=(
            "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8",
            f"RUN python3 -m zipfile -e {ZIP} /opt && rm {ZIP} && ln -s /usr/lib/jvm/java-17-*/bin/java /usr/bin/java",
            f"USER {NOBODY_ID}:{NOBODY_ID}",
            f"WORKDIR {HOME}",
        ),
    )

"""Where candidates come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from culturebench.params._base import Section

Share = Annotated[float, Field(ge=0, le=1)]


class PlantedShares(BaseModel):
    """Which share of the atlas's pictures carries a planted defect; the rest is as it should be."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    near_duplicate: Share = Field(description="re-encoded, resized, cropped, flipped, bordered or colour-shifted copy")
    blurred: Share = Field(description="out of focus")
    mislabelled: Share = Field(description="another region's ornament, half of them copies of that region's pictures")
    plain: Share = Field(description="an object without any ornament")
    badly_licensed: Share = Field(description="a licence that forbids use, or none")
    truncated: Share = Field(description="a file that ends too early")
    too_small: Share = Field(description="a thumbnail")

    @model_validator(mode="after")
    def _leave_something(self) -> "PlantedShares":
        total = sum(self.model_dump().values())
        if total > 0.9:
            raise ValueError(f"the shares add up to {total:g}; at most 0.9 is allowed")
        return self


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    regions: list[str] | None = Field(default=None, description="codes that it is asked for; all when left out")


class AtlasSource(_Source):
    """The embedded world."""

    kind: Literal["atlas"]
    pictures: int = Field(ge=1, le=1344, description="pictures per region; fewer are a prefix of more")
    size: int = Field(ge=64, le=2048, description="width and height in pixels")
    planted: PlantedShares = Field(description="shares of planted defects")


#: The region of a folder whose manifest, or else whose subfolders, say of each file which it is.
FROM_MANIFEST = "from-manifest"


class FolderSource(_Source):
    """Files on this machine, named by a manifest or sorted into a folder per region."""

    kind: Literal["folder"]
    path: str = Field(min_length=1, description="the folder; nothing outside of it is read")
    region: str = Field(
        default=FROM_MANIFEST,
        min_length=1,
        description="`from-manifest` (or, without a manifest, the subfolder's name), or one code for every file",
    )
    manifest: str | None = Field(
        default=None,
        description="a CSV or JSONL file in the folder; by default manifest.csv or manifest.jsonl if there",
    )
    licence: str = Field(default="", description="the licence of files for which the manifest names none")
    author: str = Field(default="", description="the author of files for which the manifest names none")
    max_bytes: int = Field(default=64_000_000, ge=1, description="larger files fail, in bytes")


class ReleaseSource(_Source):
    """A release of this or another project: pictures with their verdicts, captions, subdivisions, groups and sides."""

    kind: Literal["release"]
    path: str = Field(min_length=1, description="the folder that `culturebench release` wrote, or a copy of it")


class _OnlineSource(_Source):
    """A source on the web; `collect.web` says how it is asked."""


class SearchSource(_OnlineSource):
    """A source that is asked for the keywords of a region file."""

    price: ClassVar[float] = 0.0  # dollars for a request, which gives `per_request` pictures at most
    per_request: ClassVar[int] = 1
    per_query: int = Field(default=50, ge=1, le=10_000, description="pictures that one query gives at most")


_COMMONS = "https://commons.wikimedia.org/w/api.php"
_SPARQL = "https://query.wikidata.org/sparql"
#: By what of the region's file a search is narrowed.
CommonsConstraint = Literal["country", "language"]
OpenverseConstraint = Literal["country"]
GoogleConstraint = Literal["gl", "cr", "lr"]
Url = Annotated[str, Field(pattern=r"^https?://")]
Width = Annotated[int, Field(ge=64, le=8192)]


class CommonsSource(SearchSource):
    """Wikimedia Commons: searches, and categories that a search finds."""

    kind: Literal["commons"]
    url: Url = Field(default=_COMMONS, description="`api.php` of the wiki")
    width: Width = Field(default=1280, description="pixels; wider pictures are fetched as the wiki's own rendering")
    categories: int = Field(default=1, ge=0, le=50, description="categories that a keyword starts a walk from")
    depth: int = Field(default=1, ge=0, le=5, description="levels of subcategories below them")
    constraints: list[CommonsConstraint] = Field(
        default=[],
        description="country: files whose structured data name a country of the region | language: files with a "
        "caption in the keyword's language; with either, no category is walked, since none can be narrowed",
    )
    sparql: Url = Field(default=_SPARQL, description="where the items of countries are asked for")


class WikidataSource(SearchSource):
    """Wikidata: pictures of things by country (the region file's `iso`) and class."""

    kind: Literal["wikidata"]
    url: Url = Field(default=_SPARQL, description="SPARQL endpoint")
    commons_url: Url = Field(default=_COMMONS, description="`api.php` of the wiki that has the files")
    width: Width = Field(default=1280, description="pixels; wider pictures are fetched as the wiki's own rendering")
    classes: dict[str, list[Annotated[str, Field(pattern=r"^Q\d+$")]]] = Field(
        min_length=1, description="category -> ids of classes, as {instruments: [Q34379]}; per_query counts for each"
    )
    page: int = Field(default=500, ge=1, le=10_000, description="results of one request")


class WikipediaSource(SearchSource):
    """Wikipedia: free page images of the articles that a keyword finds."""

    kind: Literal["wikipedia"]
    url: Url = Field(
        default="https://{language}.wikipedia.org/w/api.php", description="`{language}` becomes the keyword's language"
    )
    width: Width = Field(default=1280, description="pixels; wider pictures are fetched as the wiki's own rendering")


class OpenverseSource(SearchSource):
    """Openverse; the environment's OPENVERSE_ACCESS_TOKEN, if there, allows more requests."""

    kind: Literal["openverse"]
    url: Url = Field(default="https://api.openverse.org/v1/images/", description="where pictures are searched")
    constraints: list[OpenverseConstraint] = Field(
        default=[],
        description="country: a country's name in the keyword's language has to be found as well; Openverse has no "
        "field of country or language",
    )


class GoogleSource(SearchSource):
    """Google's Programmable Search; needs GOOGLE_API_KEY in the environment. It gives no licence.

    Google takes no new customers for this API, and serves the others until January 1, 2027
    (developers.google.com/custom-search/v1/overview).
    """

    kind: Literal["google_cse"]
    price: ClassVar[float] = 0.005  # $5 for 1,000, the daily free ones not taken off
    per_request: ClassVar[int] = 10
    url: Url = Field(default="https://customsearch.googleapis.com/customsearch/v1", description="where to search")
    engine: str = Field(min_length=1, description="id (cx) of the search engine, which is no secret")
    rights: str = Field(default="", description="licences to filter by, as `cc_publicdomain|cc_attribute`")
    constraints: list[GoogleConstraint] = Field(
        default=[],
        description="gl: pages of the region's country come first | cr: pages of its countries alone | lr: pages in "
        "the keyword's language alone",
    )
    per_query: int = Field(default=50, ge=1, le=100, description="pictures that one query gives; Google ends at 100")


class UrlsSource(_OnlineSource):
    """A manifest of URLs."""

    kind: Literal["urls"]
    path: str = Field(min_length=1, description="a CSV or JSONL file whose column `file` holds URLs")
    region: str | None = Field(default=None, min_length=1, description="region of lines that name none")
    licence: str = Field(default="", description="the licence of pictures for which the manifest names none")
    author: str = Field(default="", description="the author of pictures for which the manifest names none")


OnlineSource = CommonsSource | WikidataSource | WikipediaSource | OpenverseSource | GoogleSource | UrlsSource
Source = Annotated[AtlasSource | FolderSource | ReleaseSource | OnlineSource, Field(discriminator="kind")]


class Web(BaseModel):
    """How the web is asked; what comes from there is bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    contact: Annotated[str, Field(pattern=r"^[!-~]*@[!-~]+$|^https?://[!-~]+$")] | None = Field(
        description="e-mail or URL where the owners of sites reach you; it is sent with every request"
    )
    workers: int = Field(ge=1, le=256, description="files fetched at once")
    per_host: int = Field(ge=1, le=32, description="files fetched from one host at once")
    interval: float = Field(ge=0, description="seconds between the starts of two requests to one host")
    tries: int = Field(ge=1, le=20, description="times that a request is made at most")
    backoff: float = Field(ge=0, description="seconds before the second try, doubled before each further one")
    max_wait: float = Field(ge=0, description="seconds; a host that asks for a longer pause is given up")
    deadline: float = Field(gt=0, description="seconds for one try, redirects included")
    redirects: int = Field(ge=0, le=20, description="redirects followed for one file")
    max_bytes: int = Field(ge=1, description="larger files fail")
    max_pixels: int = Field(ge=1, description="pictures with more pixels fail")
    test_addresses: list[Annotated[str, Field(pattern=r"^[\d.:a-f]+:\d+$")]] = Field(
        default=[], description="address:port of servers that tests run; every other address must be a public one"
    )


class Collect(Section):
    """Sources are asked in their order; every file that they name becomes one row."""

    section: ClassVar[str] = "collect"
    snapshot: str = Field(min_length=1, description="label of what was collected; a new label collects again")
    min_ok: Share = Field(description="the stage fails when a smaller share of a region's files could be read")
    web: Web = Field(description="how the web is asked")
    sources: list[Source] = Field(min_length=1, description="where to look")

    def paid(self) -> list[SearchSource]:
        """The sources that cost money."""
        return [source for source in self.sources if isinstance(source, SearchSource) and source.price]

    @model_validator(mode="after")
    def _say_who_asks(self) -> "Collect":
        online = sorted({source.kind for source in self.sources if isinstance(source, _OnlineSource)})
        if online and self.web.contact is None:
            raise ValueError(
                f"{', '.join(online)} on the web need `web.contact`, an e-mail address or URL of yours: "
                "sites want to know whom to write to"
            )
        return self

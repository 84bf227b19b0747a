"""Tables of content: what the public website shows."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

BLOG_POSTS: Final = Table(
    name="website-blog-posts",
    owner=Owner.CONTENT,
    purpose="Blog posts; claims `SLUG#<slug>` keep addresses unique and redirect old ones.",
    sensitivity=Sensitivity.PUBLIC,
    key=Key(text("id")),
    indexes=(
        Index("slug-index", hash=text("publishedSlug"), sparse=True),
        Index(
            "status-index",
            hash=text("status"),
            range=text("sortAt"),
            projection=("title", "slug", "excerpt", "category", "tags", "author", "featuredImage", "publishedAt"),
        ),
        Index(
            "category-index",
            hash=text("publishedCategory"),
            range=text("publishedAt"),
            projection=("title", "slug", "excerpt", "category", "tags", "author", "featuredImage"),
            sparse=True,
        ),
    ),
)

PAGES: Final = Table(
    name="website-pages",
    owner=Owner.CONTENT,
    purpose="Static pages; claims `SLUG#<slug>` as for posts.",
    sensitivity=Sensitivity.PUBLIC,
    key=Key(text("id")),
    indexes=(
        Index("slug-index", hash=text("publishedSlug"), sparse=True),
        Index(
            "status-index",
            hash=text("status"),
            range=text("updatedAt"),
            projection=("slug", "title", "template"),
        ),
    ),
)

MEDIA: Final = Table(
    name="website-media",
    owner=Owner.CONTENT,
    purpose="Images, documents and videos: where they lie and how they are described; rows outlive their file.",
    sensitivity=Sensitivity.PUBLIC,
    key=Key(text("id")),
    indexes=(
        Index(
            "type-index",
            hash=text("type"),
            range=text("uploadedAt"),
            projection=("filename", "mimeType", "size", "s3Key", "alt"),
        ),
        Index(
            "uploadedAt-index",
            hash=text("uploadedMonth"),
            range=text("uploadedAt"),
            projection=("filename", "mimeType", "size", "s3Key", "alt", "type"),
        ),
    ),
)

TABLES: Final = (BLOG_POSTS, PAGES, MEDIA)

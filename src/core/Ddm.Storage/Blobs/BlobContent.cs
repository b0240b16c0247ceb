namespace Ddm.Storage;

/// <summary>A small blob read whole.</summary>
/// <param name="Bytes">Its content.</param>
/// <param name="ETag">Names this content at this name, for <see cref="WriteCondition.IfMatch"/>.</param>
/// <param name="LastModified">When it was written, by the store's clock.</param>
public sealed record BlobContent(byte[] Bytes, string ETag, DateTimeOffset LastModified);

/// <summary>A blob in a listing.</summary>
/// <param name="Name">Its full name.</param>
/// <param name="Length">Bytes.</param>
/// <param name="LastModified">When it was written, by the store's clock.</param>
public sealed record BlobInfo(string Name, long Length, DateTimeOffset LastModified);

using System.Data.Common;
using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>A connection to a container, as settings write it. Never shown: it may hold a key.</summary>
internal sealed class AzureConnection
{
    private const string Endpoint = "Endpoint", ContainerName = "ContainerName";

    // One of these makes a list of Key=Value pairs a storage connection string.
    private static readonly string[] s_storageKeys = ["AccountName", "BlobEndpoint", "UseDevelopmentStorage", "SharedAccessSignature", "DefaultEndpointsProtocol"];

    private readonly string _setting;
    private readonly Func<BlobClientOptions, BlobContainerClient> _connect;
    private readonly bool _hasIdentity;

    private AzureConnection(string setting, Func<BlobClientOptions, BlobContainerClient> connect, bool hasIdentity = false) =>
        (_setting, _connect, _hasIdentity) = (setting, connect, hasIdentity);

    /// <summary>Whether it is meant for a service: an address or a list of <c>Key=Value</c> pairs.</summary>
    public static bool LooksRemote(string connection) =>
        HasScheme(connection)
        || (connection.Contains('=') && Pairs(connection) is { } pairs && s_storageKeys.Append(Endpoint).Append(ContainerName).Append("AccountKey").Any(pairs.ContainsKey));

    /// <summary>Reads a connection; null when it is a folder's path.</summary>
    /// <exception cref="UserErrorException">It is meant for a service and cannot be read.</exception>
    public static AzureConnection? Parse(string connection, string setting)
    {
        if (!LooksRemote(connection))
        {
            return null;
        }

        if (Pairs(connection) is not { } pairs || !pairs.ContainsKey(Endpoint) && !s_storageKeys.Any(pairs.ContainsKey))
        {
            return HasScheme(connection) && !connection.Contains(';')
                ? ParseAddress(connection, null, setting)
                : throw Unreadable(setting, "it has neither AccountName, BlobEndpoint nor Endpoint");
        }

        var container = pairs.TryGetValue(ContainerName, out var named) ? Check((string)named, setting) : null;
        if (!pairs.TryGetValue(Endpoint, out var endpoint))
        {
            // The client does not know this pair.
            var rest = connection.Split(';').Where(pair => !pair.TrimStart().StartsWith(ContainerName, StringComparison.OrdinalIgnoreCase));
            return ParseStorage(string.Join(';', rest), container, setting);
        }

        // Aspire puts an emulator's whole connection string there.
        return Pairs((string)endpoint) is { } inner && s_storageKeys.Any(inner.ContainsKey)
            ? ParseStorage((string)endpoint, container, setting)
            : ParseAddress((string)endpoint, container, setting);
    }

    /// <summary>The store; nothing is sent yet.</summary>
    /// <param name="options">How requests are made; null: as usual.</param>
    /// <param name="deadline">What one request may take; null: as usual.</param>
    public AzureBlobStore Open(BlobClientOptions? options = null, TimeSpan? deadline = null)
    {
        var outages = new StoreOutages(TimeProvider.System);
        options ??= AzureClientSettings.Create();
        options.AddPolicy(new AzureOutages(outages), HttpPipelinePosition.PerRetry);
        var container = _connect(options);
        var place = $"container '{container.Name}' of storage account '{container.AccountName}' ({container.Uri.Authority})";
        return new AzureBlobStore(container, new AzureRequests(place, _setting, deadline ?? AzureClientSettings.Deadline, TimeProvider.System), outages, _hasIdentity);
    }

    private static AzureConnection ParseStorage(string connection, string? container, string setting)
    {
        try
        {
            _ = new BlobServiceClient(connection);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            // The client's own message may quote the key.
            throw Unreadable(setting, "a part is missing or malformed (AccountName, AccountKey in base64, an endpoint)");
        }

        return new AzureConnection(setting, options => new BlobContainerClient(connection, container ?? BlobStores.DefaultContainer, options));
    }

    private static AzureConnection ParseAddress(string address, string? container, string setting)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
        {
            throw Unreadable(setting, "the address is not an https address");
        }

        var parts = new BlobUriBuilder(uri);
        if (parts.BlobName.Length > 0)
        {
            throw Unreadable(setting, $"the address has '{parts.BlobName}' behind the container's name");
        }

        parts.BlobContainerName = container ?? (parts.BlobContainerName.Length > 0 ? Check(parts.BlobContainerName, setting) : BlobStores.DefaultContainer);
        if (parts.Sas is not null)
        {
            return new AzureConnection(setting, options => new BlobContainerClient(parts.ToUri(), options));
        }

        return uri.Scheme == "https"
            ? new AzureConnection(setting, options => new BlobContainerClient(parts.ToUri(), new DefaultAzureCredential(), options), hasIdentity: true)
            : throw Unreadable(setting, "an identity needs https, and the address has no signature");
    }

    private static string Check(string container, string setting) =>
        container.Length is >= 3 and <= 63 && container.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            && !container.StartsWith('-') && !container.EndsWith('-') && !container.Contains("--", StringComparison.Ordinal)
            ? container
            : throw Unreadable(setting, $"'{container}' names no container: 3 to 63 lower-case letters, digits and single hyphens");

    private static UserErrorException Unreadable(string setting, string why) => new(
        $"{setting} cannot be read: {why}. Give a storage connection string (DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...), "
            + "https://ACCOUNT.blob.core.windows.net/CONTAINER, or a folder.");

    private static bool HasScheme(string text) => text.IndexOf("://", StringComparison.Ordinal) > 1; // not a drive's letter

    private static DbConnectionStringBuilder? Pairs(string text)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = text };
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}

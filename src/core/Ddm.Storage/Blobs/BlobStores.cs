using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>The one place where a setting becomes a store.</summary>
public static class BlobStores
{
    /// <summary>Where services read it from.</summary>
    public const string Setting = "ConnectionStrings:blobs";

    /// <summary>The container of a connection that names none.</summary>
    public const string DefaultContainer = "ddm";

    /// <summary>Opens a store; nothing is sent or created yet.</summary>
    /// <param name="connection">
    /// A storage connection string (Azurite's too), with or without <c>ContainerName=</c>; <c>Endpoint=...;ContainerName=...</c> as Aspire writes it;
    /// <c>https://account.blob.core.windows.net[/container][?signature]</c>, by the signature or else by this machine's identity; or the path of a folder.
    /// </param>
    /// <param name="setting">The setting's name, for messages.</param>
    /// <exception cref="UserErrorException">It is none of these; the message names the setting, never the value of a key.</exception>
    public static IBlobStore Open(string? connection, string setting = Setting)
    {
        if (string.IsNullOrWhiteSpace(connection))
        {
            throw new UserErrorException($"{setting} is empty: give a storage connection string, an https address of a blob service, or a folder.");
        }

        if (AzureConnection.Parse(connection, setting) is { } azure)
        {
            return azure.Open();
        }

        NetworkFileSystem.Refuse(connection);
        return new FileBlobStore(connection);
    }

    /// <summary>Whether <see cref="Open"/> takes it for a service and not for a folder.</summary>
    public static bool IsRemote(string connection) => AzureConnection.LooksRemote(connection);
}

using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>A container whose blobs are opened one by one with signatures that somebody else gives.</summary>
public static class SignedAccess
{
    /// <summary>Gives the query that opens a blob.</summary>
    /// <param name="name">The blob.</param>
    /// <param name="write">Whether it is to be written.</param>
    /// <param name="refused">The signature that the store refused just now; null: none was tried.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public delegate ValueTask<string> Signature(string name, bool write, string? refused, CancellationToken cancellationToken);

    /// <summary>Opens it; nothing is sent yet. Every request asks for its signature, so that one that has run out is never kept.</summary>
    /// <exception cref="UserErrorException">The address is none that blobs are sent to: <c>http</c> is for this machine alone.</exception>
    public static IBlobStore Open(Uri container, Signature signature)
    {
        if (container.Scheme != Uri.UriSchemeHttps && !(container.Scheme == Uri.UriSchemeHttp && container.IsLoopback))
        {
            throw new UserErrorException($"The control plane names {container.GetLeftPart(UriPartial.Authority)} as its store, which is not https. Data and weights would cross the network in the open: "
                + "give the control plane an https address of its store.");
        }

        var options = AzureClientSettings.Create();
        options.AddPolicy(new Policy(container, signature), HttpPipelinePosition.PerRetry);
        var client = new BlobContainerClient(container, options);
        var place = $"container '{client.Name}' of storage account '{client.AccountName}' ({client.Uri.Authority})";
        return new AzureBlobStore(client, new AzureRequests(place, "the control plane's store", AzureClientSettings.Deadline, TimeProvider.System), outages: null, hasIdentity: false);
    }

    private sealed class Policy(Uri container, Signature signature) : HttpPipelinePolicy
    {
        private const string Unsigned = "ddm-unsigned-query";
        private const int Forbidden = 403;
        private readonly string _prefix = container.AbsolutePath.TrimEnd('/') + "/";

        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            var given = await SignAsync(message, refused: null);
            await ProcessNextAsync(message, pipeline);
            if (message.Response.Status == Forbidden)
            {
                // It ran out on the way, or while this machine slept: clocks that stand still do not tell.
                message.Response.Dispose();
                await SignAsync(message, given);
                await ProcessNextAsync(message, pipeline);
            }
        }

        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessAsync(message, pipeline).AsTask().GetAwaiter().GetResult();

        private async ValueTask<string> SignAsync(HttpMessage message, string? refused)
        {
            var address = message.Request.Uri;
            if (!(message.TryGetProperty(Unsigned, out var kept) && kept is string query))
            {
                query = address.Query;
                message.SetProperty(Unsigned, query);
            }

            var path = Uri.UnescapeDataString(address.ToUri().AbsolutePath);
            var name = path.StartsWith(_prefix, StringComparison.Ordinal) ? path[_prefix.Length..] : "";
            if (!BlobName.IsValid(name))
            {
                throw new UserErrorException("A worker outside may read and write single blobs alone, not list a store or look at it.");
            }

            var isRead = message.Request.Method == RequestMethod.Get || message.Request.Method == RequestMethod.Head;
            var given = await signature(name, !isRead, refused, message.CancellationToken);
            address.Query = query.Length > 1 ? query + "&" + given : "?" + given;
            return given;
        }
    }
}

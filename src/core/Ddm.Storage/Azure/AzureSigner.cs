using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;

namespace Ddm.Storage;

/// <summary>
/// Signs single blobs (a SAS of the kind <c>sr=b</c>: without a hierarchical namespace no signature ends at a prefix), by the account's key or, with an identity, by
/// a user delegation key. Writing needs <c>w</c>, since a block needs it: whoever has such a signature may also write that one blob again while it lasts.
/// </summary>
internal sealed class AzureSigner(BlobContainerClient container, AzureRequests requests, bool hasIdentity, Func<CancellationToken, Task<DateTimeOffset>> readClock)
{
    private static readonly TimeSpan s_clockKept = TimeSpan.FromMinutes(10), s_keyLife = TimeSpan.FromHours(24), s_keySpare = TimeSpan.FromHours(2);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (DateTimeOffset Told, long At)? _clock;
    private UserDelegationKey? _key;

    public bool CanSign => container.CanGenerateSasUri || hasIdentity;

    public async Task<string> SignAsync(string name, bool write, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var blob = container.GetBlobClient(name);
        var permissions = write ? BlobSasPermissions.Read | BlobSasPermissions.Create | BlobSasPermissions.Write : BlobSasPermissions.Read;

        // No start: it would have to allow for clocks that differ, and says nothing that the end does not.
        var now = await NowAsync(cancellationToken);
        var sas = new BlobSasBuilder(permissions, now + lifetime)
        {
            BlobContainerName = container.Name,
            BlobName = name,
            Resource = "b",
            Protocol = container.Uri.Scheme == "https" ? SasProtocol.Https : SasProtocol.HttpsAndHttp,
        };
        if (container.CanGenerateSasUri)
        {
            return blob.GenerateSasUri(sas).Query.TrimStart('?');
        }

        return hasIdentity
            ? sas.ToSasQueryParameters(await KeyAsync(now, cancellationToken), container.AccountName).ToString()
            : throw requests.Refused("was opened with a signature, which cannot sign", "Give the control plane the account's connection string or an identity.");
    }

    private async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        var clock = _clock;
        if (clock is null || TimeProvider.System.GetElapsedTime(clock.Value.At) > s_clockKept)
        {
            _clock = clock = (await readClock(cancellationToken), TimeProvider.System.GetTimestamp());
        }

        return clock.Value.Told + TimeProvider.System.GetElapsedTime(clock.Value.At);
    }

    private async Task<UserDelegationKey> KeyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_key is null || _key.SignedExpiresOn - now < s_keySpare)
            {
                var service = container.GetParentBlobServiceClient();
                var reply = await requests.SendAsync(
                    "give a user delegation key (role Storage Blob Delegator)",
                    token => service.GetUserDelegationKeyAsync(startsOn: null, now + s_keyLife, token), _ => false, cancellationToken);
                _key = reply!.Value;
            }

            return _key;
        }
        finally
        {
            _gate.Release();
        }
    }
}

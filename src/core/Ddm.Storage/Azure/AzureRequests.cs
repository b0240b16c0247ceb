using Azure;
using Azure.Identity;
using Azure.Storage.Blobs.Models;
using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>Sends requests within a deadline and tells failures apart: an expected answer, a person's mistake, trouble that may pass.</summary>
/// <param name="place">The container and where it is, for messages; no secrets.</param>
/// <param name="setting">The setting that named it, for messages.</param>
/// <param name="deadline">What one request may take, its tries and the waits between them included.</param>
/// <param name="clock">Measures the deadline.</param>
internal sealed class AzureRequests(string place, string setting, TimeSpan deadline, TimeProvider clock)
{
    private static readonly string[] s_noPermission =
    [
        "AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch", "AuthorizationServiceMismatch",
        "AuthorizationResourceTypeMismatch", "AuthorizationSourceIPMismatch", "InsufficientAccountPermissions", "InvalidAuthenticationInfo",
        "NoAuthenticationInformation", "KeyBasedAuthenticationNotPermitted", "PublicAccessNotPermitted", "AccountIsDisabled",
    ];

    /// <summary>The container and where it is.</summary>
    public string Place => place;

    /// <summary>Sends a request.</summary>
    /// <param name="what">What it does, for messages: <c>read runs/x/run.json</c>.</param>
    /// <param name="send">Sends it, the client's own retries included.</param>
    /// <param name="isAnswer">Which refusals the caller expects.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The reply; null when it was a refusal that the caller expects.</returns>
    /// <exception cref="UserErrorException">Permission, a name or the account is wrong.</exception>
    /// <exception cref="IOException">Anything else; the request may have taken effect.</exception>
    public async Task<T?> SendAsync<T>(
        string what, Func<CancellationToken, Task<T>> send, Func<RequestFailedException, bool> isAnswer, CancellationToken cancellationToken)
        where T : class
    {
        using var late = new CancellationTokenSource(deadline, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await send(either.Token);
        }
        catch (RequestFailedException e) when (isAnswer(e))
        {
            return null;
        }
        catch (RequestFailedException e)
        {
            throw Explain(what, e);
        }
        catch (AuthenticationFailedException e)
        {
            throw Refused(
                $"cannot be opened: {FirstLine(e.Message)}",
                $"Sign in (az login), give this machine a managed identity with the role Storage Blob Data Contributor, or put a connection string in {setting}.", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{place} did not {what} within {deadline.TotalSeconds:F0} s.", e);
        }
        catch (AggregateException e) when (!cancellationToken.IsCancellationRequested)
        {
            // every try failed below HTTP
            throw new IOException($"{place} did not {what} in {e.InnerExceptions.Count} tries: {FirstLine(e.InnerExceptions[^1].Message)}", e);
        }
    }

    /// <summary>
    /// An error for people about the container. It may pass: a clock, a key or a firewall of one machine is wrong, or the identity's service hiccups, and no run
    /// is at fault. Services go on trying until somebody has mended it.
    /// </summary>
    public UserErrorException Refused(string problem, string remedy, Exception? inner = null)
    {
        var text = $"{place} {problem}. {remedy}";
        return inner is null ? new UserErrorException(text) { MayPass = true } : new UserErrorException(text, inner) { MayPass = true };
    }

    private Exception Explain(string what, RequestFailedException e)
    {
        var code = string.IsNullOrEmpty(e.ErrorCode) ? $"HTTP {e.Status}" : $"{e.ErrorCode}, HTTP {e.Status}";
        if (e.Status == 401 || (e.Status == 403 && (string.IsNullOrEmpty(e.ErrorCode) || s_noPermission.Contains(e.ErrorCode))))
        {
            return Refused(
                $"refuses to {what} ({code})",
                $"Check the key, the signature's end and permissions, or the identity's role (Storage Blob Data Contributor) behind {setting}, "
                    + "the account's firewall, and this machine's clock.", e);
        }

        if (e.ErrorCode == BlobErrorCode.InvalidResourceName || e.ErrorCode == BlobErrorCode.InvalidUri)
        {
            return Refused($"cannot {what} ({code})", $"Check the container's name in {setting}: 3 to 63 lower-case letters, digits and single hyphens.", e);
        }

        return new IOException(e.Status == 0
            ? $"{place} cannot be reached to {what}: {FirstLine(e.Message)} If this lasts, check the address in {setting}."
            : $"{place} did not {what}: {code}.", e);
    }

    private static string FirstLine(string text) => text.AsSpan().IndexOfAny('\r', '\n') is var end and >= 0 ? text[..end].TrimEnd() : text;
}

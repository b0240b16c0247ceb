using System.Security.Cryptography;
using Ddm.Diffusion;
using Ddm.Services;
using Ddm.Tensors;
using Ddm.Training;

namespace Ddm.Tests;

/// <summary>Networks published as they are, without a run behind them.</summary>
internal static class UntrainedRole
{
    /// <summary>Publishes a network's weights as a role of one step and one image.</summary>
    public static async Task<PublishedRole> PublishAsync(Publication publication, string role, TransformerTrunk network, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream();
        TensorFile.Save(stream, NetworkWeights.Of(network));
        var bytes = stream.GetBuffer().AsMemory(0, (int)stream.Length);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        return new PublishedRole(role, 1, 1, await publication.WriteWeightsAsync(sha256, async (target, token) => await target.WriteAsync(bytes, token), cancellationToken), sha256);
    }
}

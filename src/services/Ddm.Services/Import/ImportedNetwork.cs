using Ddm.Diffusion;
using Ddm.Encoders;

namespace Ddm.Services;

/// <summary>An expert or router to import.</summary>
/// <param name="File">Its file.</param>
/// <param name="Network">Its shape, and what it predicts.</param>
/// <param name="Experts">K of a router; null: it is an expert.</param>
internal sealed record ImportedNetwork(ImportedFile File, RoleNetwork Network, int? Experts)
{
    public DiTConfig Shape => Network.Shape;

    /// <summary>Reads a network whole. For the device thread.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">As of <see cref="PublishedNetwork.Open"/>.</exception>
    public static ImportedNetwork Look(string path, StatedNetwork stated)
    {
        using var network = PublishedNetwork.Open(path, stated);
        return new ImportedNetwork(new ImportedFile(network.Path, ImportedFile.Hash(network.Save), Save), new RoleNetwork(network.Shape, network.Parametrization), network.Experts);

        void Save(Stream target)
        {
            using var again = PublishedNetwork.Open(path, stated);
            again.Save(target);
        }
    }
}

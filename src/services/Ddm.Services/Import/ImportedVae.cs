using Ddm.Encoders;

namespace Ddm.Services;

/// <summary>The autoencoder of a model to import.</summary>
/// <param name="File">Its file.</param>
/// <param name="Config">Its shape.</param>
internal sealed record ImportedVae(ImportedFile File, VaeConfig Config)
{
    /// <summary>Reads an autoencoder whole. For the device thread.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">As of <see cref="LatentCodec.Copy"/>.</exception>
    public static ImportedVae Look(string path)
    {
        VaeConfig? config = null;
        void Save(Stream target) => ProductBlobs.WriteSealed(plain => config = LatentCodec.Copy(path, plain), target); // as a run's own is published
        var hash = ImportedFile.Hash(Save);
        return new ImportedVae(new ImportedFile(path, hash, Save), config!);
    }
}

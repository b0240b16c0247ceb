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
        var hash = ImportedFile.Hash(target => config = LatentCodec.Copy(path, target));
        return new ImportedVae(new ImportedFile(path, hash, target => LatentCodec.Copy(path, target)), config!);
    }
}

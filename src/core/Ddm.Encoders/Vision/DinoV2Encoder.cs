using System.Globalization;
using Ddm.Runs;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>DINOv2's features of pictures, prepared as published: see <see cref="PicturePreparation.ImageNet"/>.</summary>
public sealed class DinoV2Encoder : IImageEncoder
{
    private readonly DinoV2 network;
    private readonly FeaturePooling pooling;
    private readonly PreparedPictures pictures = new(PicturePreparation.ImageNet);

    /// <summary>An encoder of published weights.</summary>
    /// <exception cref="UserErrorException">The file is no whole DINOv2 network; the message names the tensor.</exception>
    public DinoV2Encoder(WeightFile file, FeaturePooling pooling)
    {
        network = DinoV2.Load(file);
        this.pooling = pooling;
    }

    /// <inheritdoc/>
    public string Id => string.Create(
        CultureInfo.InvariantCulture, $"dinov2-{network.Config.Hidden}x{network.Config.Depth}{(network.Config.Registers > 0 ? "-reg" : "")}-{(pooling == FeaturePooling.Cls ? "cls" : "mean")}");

    /// <inheritdoc/>
    public int Dimensions => network.Config.Hidden;

    /// <summary>Multiply-adds times two of one picture.</summary>
    public double OperationsPerPicture => network.Operations(PicturePreparation.ImageNet.Side);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pictures are not square.</exception>
    public Tensor Encode(Tensor pixels) => pictures.Encode(pixels, Dimensions, x => Pool(network.Forward(x)));

    /// <inheritdoc/>
    public void Dispose()
    {
        network.Dispose();
        pictures.Dispose();
    }

    private Tensor Pool(Tensor tokens)
    {
        var special = 1 + network.Config.Registers;
        return pooling == FeaturePooling.Cls ? tokens.select(1, 0) : tokens.narrow(1, special, tokens.size(1) - special).mean([1L]);
    }
}

namespace Ddm.Tensors;

/// <summary>The purposes random numbers are drawn for: the <c>stream</c> of <see cref="Philox.Create"/>. A number, once released, keeps its meaning.</summary>
public static class RandomStreams
{
    /// <summary>eps of a training row.</summary>
    public const uint TrainingNoise = 1;

    /// <summary>t of a training row.</summary>
    public const uint TrainingTime = 2;

    /// <summary>Whether a training row's condition is dropped.</summary>
    public const uint ConditionDropout = 3;

    /// <summary>Order of the training rows.</summary>
    public const uint SampleOrder = 4;

    /// <summary>Initial weights.</summary>
    public const uint Initialization = 5;

    /// <summary>x_1 of a drawn picture.</summary>
    public const uint PictureNoise = 6;

    /// <summary>The uniform numbers that routing strategies draw with.</summary>
    public const uint Routing = 7;

    /// <summary>Seeding and restarts of k-means.</summary>
    public const uint Clustering = 8;

    /// <summary>Sub-samples taken for reports and fits.</summary>
    public const uint Sampling = 9;

    /// <summary>eps and t of held-out rows.</summary>
    public const uint HeldOut = 10;

    /// <summary>The order rows are written to cluster shards in.</summary>
    public const uint Shuffle = 11;

    /// <summary>Whether a training row is mirrored.</summary>
    public const uint HorizontalFlip = 12;

    /// <summary>Which latent of its picture's posterior a training row is.</summary>
    public const uint LatentNoise = 13;

    /// <summary>Which slices a verification makes again.</summary>
    public const uint Verification = 14;
}

namespace Ddm.Runs;

/// <summary>How an encoder's tokens become one vector.</summary>
public enum FeaturePooling
{
    /// <summary>The class token.</summary>
    Cls,

    /// <summary>The mean of the patches' tokens.</summary>
    Mean,
}

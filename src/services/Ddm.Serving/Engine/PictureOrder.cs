using Ddm.Diffusion;

namespace Ddm.Serving;

/// <summary>Pictures to draw, with captions still in words.</summary>
/// <param name="Request">Seeds, labels and settings.</param>
/// <param name="Prompt">Caption of all of them; null: none.</param>
/// <param name="Negative">Caption that guidance leads away from; null: none.</param>
/// <param name="Previews">Estimates of every picture on the way.</param>
internal sealed record PictureOrder(SampleRequest Request, string? Prompt = null, string? Negative = null, int Previews = 0)
{
    /// <summary>Pictures.</summary>
    public int Count => Request.Seeds.Count;

    /// <summary>Which preview is due once so many steps are done: the first is 0. Null: none.</summary>
    public int? PreviewAfter(int steps)
    {
        for (var i = 0; i < Previews; i++)
        {
            if (steps == Request.Steps * (i + 1) / (Previews + 1) && steps > 0 && steps < Request.Steps)
            {
                return i;
            }
        }

        return null;
    }
}

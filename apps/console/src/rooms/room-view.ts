/** A room, as the api shows it. */
export interface RoomView {
  id: string;
  name: string;
  /** Manages its members. */
  creator: string;
  version: number;
  /** RFC 3339 */
  createdAt: string;
  /** RFC 3339 */
  updatedAt: string;
}

export interface RoomName {
  name: string;
}

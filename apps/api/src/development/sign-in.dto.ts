import { Matches } from 'class-validator';

export class SignInRequest {
  @Matches(/^[\w.@-]{1,64}$/, { message: '$property must have 1 to 64 letters, digits, or characters of ".@_-"' })
  user!: string;
}
